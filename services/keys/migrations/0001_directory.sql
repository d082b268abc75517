-- The key directory. Owner: services/keys, role sealpost_keys.

-- One row for each certificate: what is known of it, and what is answered. Erased by its owner, or when nobody verified an address and it is forgotten.
create table keys.certificate (
  -- Of the primary key: 20 bytes, or 32 for version 6.
  fingerprint bytea primary key,
  -- Everything that was verified, also user ids that nobody may see yet: later uploads are merged with it. User ids that were not published by
  -- forget_on are taken out.
  kept bytea not null,
  -- What lookups answer: `kept` with the user ids of published addresses only. Made when something changes, so that a lookup only reads.
  served bytea not null,
  -- What an index says of `served`, as the certificate layer summarizes it.
  listing jsonb not null,
  -- Counts the changes, so that two at once do not lose one.
  revision bigint not null,
  -- The day from which user ids without a published address are forgotten; null when there are none.
  forget_on date
);
create index certificate_forget on keys.certificate (forget_on) where forget_on is not null;

-- One row for each primary key and subkey in `served`: how certificates are found. Gone with its certificate.
create table keys.component (
  certificate bytea not null references keys.certificate on delete cascade,
  fingerprint bytea not null,
  -- Long key id.
  key_id bytea not null,
  -- 0: the primary key; 1: a subkey that has signed it; 2: any other subkey, which anybody could have adopted. Lower ones are answered first.
  rank smallint not null,
  primary key (certificate, fingerprint)
);
create index component_fingerprint on keys.component (fingerprint);
create index component_key_id on keys.component (key_id);

-- One row for each address that is published, by its owner's leave. At most one certificate an address. Gone when unpublished, or with its certificate.
create table keys.published_address (
  -- In lower case.
  address text primary key,
  certificate bytea not null references keys.certificate on delete cascade
);
create index published_address_certificate on keys.published_address (certificate);

-- Fingerprints whose owner had them removed: not taken again but for a revocation. Kept until the owner wants it back.
create table keys.tombstone (
  fingerprint bytea primary key
);
