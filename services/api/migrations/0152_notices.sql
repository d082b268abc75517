-- What the operator tells people: announcements, planned maintenance, amendments of policies, and what concerns one account. Owner: services/api.
-- Deleted a year after it ceased to be shown; those to one account with the account.
create table api.notice (
  -- Random.
  id uuid primary key,
  kind text not null check (kind in ('announcement', 'maintenance', 'amendment', 'personal')),
  -- online: those who are connected to chat at the moment, and nobody later.
  audience text not null check (audience in ('all', 'organisation', 'online', 'account')),
  organisation_id uuid,
  account_id uuid,
  title text not null check (length(title) between 1 and 200),
  body text not null check (length(body) between 1 and 10000),
  -- Of planned maintenance, which availability does not count.
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz not null,
  -- Not shown any more from then on.
  shown_until timestamptz not null,
  withdrawn_at timestamptz,
  -- pending: mails are still to be sent; done: all are; off: none is.
  mail text not null check (mail in ('pending', 'done', 'off')),
  -- How far the mails are, which go in the order of accounts' random ids: the last account that was served, and the one that is being served. Null when all are.
  mail_after uuid,
  mail_claimed uuid,
  -- Mails that were taken, were refused, and of which it is not known since the process was killed at that moment.
  mailed integer not null default 0,
  refused integer not null default 0,
  uncertain integer not null default 0,
  -- pending: is still to be said in chat; done; off.
  chat text not null check (chat in ('pending', 'done', 'off')),
  check ((audience = 'organisation') = (organisation_id is not null)),
  check ((audience = 'account') = (account_id is not null)),
  check ((kind = 'maintenance') = (starts_at is not null)),
  check ((starts_at is null) = (ends_at is null)),
  check (starts_at < ends_at)
);
create index notice_created on api.notice (created_at, id);
create index notice_account on api.notice (account_id) where account_id is not null;
create index notice_maintenance on api.notice (starts_at) where kind = 'maintenance';
