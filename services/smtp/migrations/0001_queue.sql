-- Mails that were accepted and are not yet delivered, fetched or given up. Everything of a mail is encrypted under a key of its own, which is sealed under a key
-- of the relay's keyring that never enters the database. What is in clear here names nobody: no address, no domain, no account. Owner: services/smtp.

-- Tells this database from any other, so that a keyring can refuse to work with the wrong one. Never deleted.
create table smtp.instance (
  id uuid primary key,
  singleton boolean not null default true unique check (singleton)
);
insert into smtp.instance (id) values (gen_random_uuid());

-- Which keyring the rows below belong to, and who may write it: the process that set the highest epoch. One row, never deleted.
create table smtp.keyring_lease (
  singleton boolean primary key default true check (singleton),
  keyring_id uuid not null,
  epoch bigint not null
);

-- One row for each mail. Unreadable from the moment when its key is destroyed: all its recipients are served or told, its owner has fetched it, or 30 days
-- are over. Deleted soon after, in batches.
create table smtp.mail (
  -- Random; names the key.
  id uuid primary key,
  -- Random name of a queue (outgoing or mailbox) of an account for as long as it holds mails; only the keyring knows whose it is.
  queue_handle uuid not null,
  -- Order within the queue.
  seq bigint not null,
  -- The key of the mail, sealed.
  key bytea not null,
  -- Sender, recipients, and what was asked for them.
  envelope bytea not null,
  -- The header section.
  header bytea not null,
  -- The body, unless it is in a file.
  body bytea,
  -- Name of the file in the spool that holds the body.
  spool uuid,
  -- What became of each recipient so far: attempts, times, replies; null before the first attempt has ended.
  state bytea,
  -- When it was accepted, to the second: expiry and notices of delay count from here.
  accepted_at timestamptz not null,
  check ((body is null) <> (spool is null))
);
-- Ciphertext: compressing it would only cost time.
alter table smtp.mail alter column header set storage external;
alter table smtp.mail alter column body set storage external;
alter table smtp.mail alter column state set storage external;
alter table smtp.mail set (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
