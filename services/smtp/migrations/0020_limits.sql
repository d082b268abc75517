-- Limits of the terms. Owner: services/smtp.

-- To whom accounts have written: whoever writes to many for the first time in a day may be a spammer. One row for each account and recipient. Gone when the
-- account has not written there for half a year. With an account its random id is gone, and then nobody can tell any more whose rows these were.
create table smtp.known_recipient (
  -- Of the account's id and the address, under a key that is in a file beside the database.
  pair bytea primary key,
  -- The day (UTC) of the last mail, at most a week late.
  last_on date not null
);
create index known_recipient_last_on on smtp.known_recipient (last_on);
