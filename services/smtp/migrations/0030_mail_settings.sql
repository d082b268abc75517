-- What an account has chosen for its mail; an account without a row follows its domain. Rows go with the account, or when the last choice is taken back.
create table smtp.mail_settings (
  -- Id in schema account, which this role cannot read.
  account_id uuid primary key,
  -- Null: as the domain is set.
  pgp text check (pgp in ('optional', 'on-arrival', 'required')),
  -- What becomes of a readable mail that should be encrypted on arrival when there is no key for it. Null: refuse.
  on_missing_key text check (on_missing_key in ('refuse', 'defer', 'plain')),
  check (num_nonnulls(pgp, on_missing_key) > 0)
);
