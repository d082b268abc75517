-- Owners of accounts see each of their sessions, and end one.
alter table api.account_session
  -- Random: what its owner names it by. The cookie cannot be made of it.
  add column id uuid not null unique default gen_random_uuid();
alter table api.account_session alter column id drop default;
