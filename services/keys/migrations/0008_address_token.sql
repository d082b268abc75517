-- Tokens that were mailed to an address at somebody's wish and not used yet (HKP version 2, sendtoken): whoever has one holds the mailbox and may set the
-- certificate of the address. Gone when used, when they expire after a day, or with the account of the address.
create table keys.address_token (
  -- SHA-256 of the token, which has 256 random bits: the table cannot be used to confirm anything.
  token_hash bytea primary key,
  -- In lower case: where the token was sent.
  address text not null,
  expires_at timestamptz not null
);
create index address_token_address on keys.address_token (address);
create index address_token_expires on keys.address_token (expires_at);
