-- Undelivered messages, each encrypted under a key of its own that never enters the database (docs: the sealed queue). What is in clear
-- here names nobody: no address, no account, no device, no time. Owner: services/xmpp.

-- Tells this database from any other, so that a keyring can refuse to work with the wrong one. Never deleted.
create table xmpp.instance (
  id uuid primary key,
  singleton boolean not null default true unique check (singleton)
);
insert into xmpp.instance (id) values (gen_random_uuid());

-- Which keyring the rows below belong to, and who may write it: the process that set the highest epoch. One row, never deleted.
create table xmpp.keyring_lease (
  singleton boolean primary key default true check (singleton),
  keyring_id uuid not null,
  epoch bigint not null
);

-- One row for each undelivered copy for a device. Unreadable from the moment when its key is destroyed (acknowledged, due, or erased);
-- deleted soon after, in batches.
create table xmpp.sealed (
  -- Random; names the key.
  id uuid primary key,
  -- Random name of a device's queue for as long as it holds messages; only the keyring knows whose it is.
  queue_handle uuid not null,
  -- Order within the queue.
  seq bigint not null,
  -- Index of the size that the blob is padded to.
  size_class smallint not null,
  -- AES-256-GCM; compressing it would only cost time.
  blob bytea not null
);
alter table xmpp.sealed alter column blob set storage external;
create index sealed_queue on xmpp.sealed (queue_handle, seq);
