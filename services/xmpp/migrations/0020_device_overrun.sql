-- Messages were left out for the device while its queue (its own, or the account's) was full: it is told when it returns, and the mark goes.
alter table xmpp.device add column overrun boolean not null default false;
