-- The transparency log: what was served for each address, in hashes that nobody can undo. Its secret keys are not here but in the data directory.
-- What is in keys.log_entry and keys.log_tile_hash is public and stays for good: a log from which something can be taken proves nothing.

-- One row: the head of the log. Locked by whoever appends, so there is one order, however many processes there are.
create table keys.log_head (
  single boolean primary key default true check (single),
  -- Name and public keys that it began with: a process with others must not go on with it.
  verifier_key text not null,
  size bigint not null,
  -- The right edge of the tree: what is needed to append to it.
  frontier bytea not null,
  -- The signed head as it is served.
  checkpoint text not null
);

-- One row for each change of what is served for an address. Kept for good; tells no address: the hash is of a VRF output, which only the VRF key can make.
create table keys.log_entry (
  entry_index bigint primary key,
  address_hash bytea not null,
  -- SHA-256 of what is served from then on; of nothing, when nothing is.
  certificate_hash bytea not null,
  -- When, for the owner who asks; not in the tree.
  day date not null
);
create index log_entry_address on keys.log_entry (address_hash, entry_index);

-- The hashes of full tiles, by level from 1. Kept for good; each is made of 256 below.
create table keys.log_tile_hash (
  level smallint not null,
  hash_index bigint not null,
  hash bytea not null,
  primary key (level, hash_index)
);

revoke update, delete, truncate on keys.log_entry, keys.log_tile_hash from sealpost_keys;

-- What was served once and has been replaced, for the owner who wants to see it. Gone on erase_on, a year after it was replaced; gone at once when one of the
-- addresses for which it was served is withdrawn.
create table keys.log_certificate (
  hash bytea primary key,
  bytes bytea not null,
  erase_on date not null
);
create index log_certificate_erase on keys.log_certificate (erase_on);
