-- What an operator decided for one domain; a domain without a row follows the server's settings. Nothing in it is about a person.
-- Rows are deleted when the last decision is taken back.
create table account.domain_policy (
  -- Canonical form. Rows of domains that are not served any more stay, and mean nothing.
  domain text collate "C" primary key,
  -- Null in any column below: as the server is set.
  e2ee text check (e2ee in ('required', 'optional', 'off')),
  storage text check (storage in ('sealed', 'none')),
  message_ttl_seconds integer check (message_ttl_seconds > 0),
  check (num_nonnulls(e2ee, storage, message_ttl_seconds) > 0)
);
