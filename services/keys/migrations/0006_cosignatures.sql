-- Cosignatures of witnesses on checkpoints of the transparency log: public, and of nobody. Those of the newest sizes that have any are kept.
create table keys.log_cosignature (
  size bigint not null,
  -- Name and key id of the witness, one of those that the operator configured.
  witness text not null,
  key_id text not null,
  -- The signature after the key id.
  signature bytea not null,
  primary key (size, witness, key_id)
);
