-- What an administrator decided about the mail of one account. Gone when it is taken back, and with the account.
create table account.mail_limit (
  account_id uuid primary key references account.account (id) on delete cascade,
  -- Messages that the account may send in a day; 0: none.
  messages_per_day integer not null check (messages_per_day >= 0)
);

-- What was noticed about an account's mail and wants an administrator's look. Gone when it was looked at, after 30 days, and with the account.
create table account.mail_review (
  account_id uuid not null references account.account (id) on delete cascade,
  -- A code such as large-files.
  reason text collate "C" not null,
  -- The last day (UTC) on which it was noticed.
  noticed_on date not null,
  primary key (account_id, reason)
);
