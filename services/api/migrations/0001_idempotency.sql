-- Answers to repeated requests. Owner: services/api, role sealpost_api.

-- One row for each Idempotency-Key with which an account was created, so that a client that lost the answer can ask again.
-- Erased after a day, and with the account (the ledger's owner `api`).
create table api.idempotency (
  -- SHA-256 of who asked and the key: neither is kept.
  key_hash bytea primary key,
  -- The id that the account got, or will get. Nothing of the request is kept, hence nothing of a password either.
  account_id uuid not null,
  -- Only for erasing the row in time.
  expires_at timestamptz not null
);
create index idempotency_account on api.idempotency (account_id);
create index idempotency_expiry on api.idempotency (expires_at);
