-- Addresses verified by mail, reminders of expiry, and accounts that are suspended.

-- The day (UTC) on which the certificate expires, by its newest signature; null: never. For reminders. Gone with the row.
alter table keys.certificate add column expires_on date;
update keys.certificate set expires_on = (to_timestamp((listing ->> 'expires')::bigint) at time zone 'UTC')::date
where listing ->> 'expires' is not null and (listing ->> 'expires')::bigint < 253402300800;
create index certificate_expires on keys.certificate (expires_on) where expires_on is not null;

alter table keys.published_address
  -- The account of the address is suspended: nothing is shown for it, and its user ids are not forgotten either, until the account is restored or
  -- terminated.
  add column suspended boolean not null default false,
  -- Its owner was told of the expiry on this day …
  add column reminded_for date,
  -- … this many days before: 30, 7 or 1, the last one. Both are so that nobody is told twice.
  add column reminded_days smallint check (reminded_days in (1, 7, 30));
create index published_address_suspended on keys.published_address (address) where suspended;

-- Links that were sent by mail and not used yet: whoever has one holds the mailbox. Gone when used, when they expire, or with the certificate.
create table keys.link (
  -- SHA-256 of the token in the link, which has 256 random bits: the table cannot be used to confirm anything.
  token_hash bytea primary key,
  -- publish: shows the certificate for the address; manage: takes it off again.
  purpose text not null check (purpose in ('publish', 'manage')),
  certificate bytea not null references keys.certificate on delete cascade,
  -- In lower case: where the link was sent.
  address text not null,
  expires_at timestamptz not null
);
create index link_certificate on keys.link (certificate);
create index link_address on keys.link (address);
create index link_expires on keys.link (expires_at);

-- Keys that all processes of the directory share, made here and never changed. upload: of the tokens that an upload over VKS is answered with.
create table keys.secret (
  purpose text primary key check (purpose = 'upload'),
  key bytea not null
);
insert into keys.secret (purpose, key) values ('upload', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
