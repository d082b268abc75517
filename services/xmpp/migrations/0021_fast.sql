-- What lets a device sign in again without its password (XEP-0484 FAST). Owner: services/xmpp.
--
-- A server that checks these proofs must know the token itself; whoever reads it could sign in. So this table does not hold it: a token is
-- derived (HMAC-SHA-256) from the random seed below, whose it is, what it is good for and the account's password verifier, under a key that
-- lies beside the keyring and is never in Postgres, its log or a backup. These rows alone sign nobody in, and no token outlives the
-- password it was got with, even if the news of the change is missed.

-- At most three rows for each device. Deleted when the device logs out, is revoked or ages out, when its token is used by two, when the
-- account's password or state changes, with the account, and on the day the token expires.
create table xmpp.fast_token (
  account_id uuid not null,
  -- The device, as table device knows it.
  identity bytea not null,
  -- next: given out, not used yet. current: in use. spent: replaced by the current one; kept only to notice that somebody has a copy.
  slot text not null check (slot in ('next', 'current', 'spent')),
  -- The only SASL mechanism that it is good for.
  mechanism text not null,
  -- 32 random bytes.
  seed bytea not null,
  -- The first day on which it is not good any more, 14 after the day of issue. A date: at what time of day does not matter.
  expires_on date not null,
  -- The highest count seen with it, if its device counts: a repeated sign-in is recognised by it.
  last_count integer,
  primary key (account_id, identity, slot),
  foreign key (account_id, identity) references xmpp.device (account_id, identity) on delete cascade
);
create index fast_token_expires_on on xmpp.fast_token (expires_on);
