-- Statements that a key has signed and that were carried out, so that nobody carries one out again. Gone when the statement would not hold any more, after an hour. Their MAC is under a key made from keys.secret, upload.
create table keys.used_statement (
  -- SHA-256 of its text.
  digest bytea primary key,
  expires_at timestamptz not null
);
create index used_statement_expires on keys.used_statement (expires_at);
