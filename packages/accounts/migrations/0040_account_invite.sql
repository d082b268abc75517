-- Links with which people make accounts of their own. Gone when used up, revoked, or (at the next new one) expired: who came by which is not kept.
create table account.account_invite (
  -- Random: administrators name it by this; nothing in it leads to the link.
  id uuid primary key,
  -- SHA-256 of the token in the link.
  token_hash bytea not null unique,
  -- Where the accounts will be: a served domain in canonical form.
  domain text collate "C" not null,
  -- The name that the one account will have; null: whoever comes chooses, or is given one.
  localpart text collate "C",
  -- What the accounts will have; null: the default. A plan that is removed takes its invites along.
  plan text collate "C" references account.plan (name) on delete cascade,
  -- How many accounts can be made with it, and have been.
  uses integer not null check (uses between 1 and 1000),
  used integer not null default 0 check (used between 0 and uses),
  -- A day is enough for the list; the end is a promise to whoever has the link.
  created_on date not null,
  expires_at timestamptz not null,
  check (localpart is null or uses = 1)
);
create index account_invite_plan on account.account_invite (plan);
