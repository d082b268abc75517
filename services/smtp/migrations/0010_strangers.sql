-- What the relay remembers of those who send from outside. Owner: services/smtp, role sealpost_smtp. Nobody is named: the keys are HMACs under a secret that is not
-- in Postgres, another one every 30 days.

-- One row for each sender, or network of one, and recipient between whom there was mail: greylisting. Gone after 36 days without any, or after two when the
-- first try was not repeated.
create table smtp.greylist (
  triplet bytea primary key,
  -- To the minute: whether a second try comes late enough.
  first_at timestamptz not null,
  -- A second try has come.
  passed boolean not null default false,
  seen_on date not null
);
create index greylist_seen on smtp.greylist (seen_on);

-- One row for each domain that SPF has proven, or network of a client. Gone after 36 days without mail.
create table smtp.sender_reputation (
  sender bytea primary key,
  -- Mails taken, and mails found to be spam, in a period of 30 days.
  ham integer not null,
  spam integer not null,
  -- To the minute: no mail is taken until then.
  blocked_until timestamptz,
  seen_on date not null
);
create index sender_reputation_seen on smtp.sender_reputation (seen_on);
