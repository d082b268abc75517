-- Whom an account does not want to hear of (XEP-0191), the same for all of its clients. Owner: services/xmpp.

-- One row for each JID. Deleted when the owner unblocks it, and when the owner's or the blocked account is erased.
create table xmpp.blocked (
  account_id uuid not null,
  -- In canonical form: a full or bare JID, a domain, or a domain with a resource (XEP-0191 §6). They need not exist.
  jid text collate "C" not null,
  -- The local account behind the JID, if there was one when it was blocked: how erasing that account finds these rows.
  blocked_account_id uuid,
  primary key (account_id, jid)
);
create index blocked_account on xmpp.blocked (blocked_account_id) where blocked_account_id is not null;
