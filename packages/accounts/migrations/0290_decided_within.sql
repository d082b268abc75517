-- Who decided about an organisation, or about the end of an account: administrators below take back only what was decided by themselves or further below.

alter table account.organisation
  -- The organisation whose administrator suspended it; null: the server decided. Cleared with the suspension.
  add column suspended_within uuid,
  -- The organisation whose administrator ends it; null: the server does. Cleared when it does not end any more.
  add column terminates_within uuid;

alter table account.account
  -- As above.
  add column terminates_within uuid;
