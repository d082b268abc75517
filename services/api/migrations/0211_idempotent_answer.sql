-- Answers to requests with an Idempotency-Key, so that a client that lost one can ask again. Owner: services/api, role sealpost_api.
-- Rows go after a day. Nobody can read an answer from here: its key is made of a file outside Postgres, of the Idempotency-Key and of the credential of who asked.
create table api.idempotent_answer (
  -- SHA-256 of who asked and the Idempotency-Key: neither is kept.
  key_hash bytea primary key,
  -- HMAC-SHA256 of the request under the same key as the answer: another request with the same Idempotency-Key is refused.
  request_hash bytea not null,
  -- While it is carried out: until then another request waits its turn; later the outcome is unknown, since whoever carried it out has died.
  running_until timestamptz not null,
  -- Null: it is being carried out, or what became of it is unknown.
  status smallint,
  -- AES-256-GCM; null as status, or when the answer is too long to be kept.
  answer bytea,
  -- For erasing the row in time.
  expires_at timestamptz not null,
  check (answer is null or (status is not null and length(answer) <= 65600))
);
create index idempotent_answer_expiry on api.idempotent_answer (expires_at);
