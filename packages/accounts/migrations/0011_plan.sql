-- Plans: how much mail accounts may send and keep. An account without a row in account_plan has what the server is set to. Nothing in a plan is about a person.

create table account.plan (
  name text collate "C" primary key check (name ~ '^[a-z][a-z0-9_-]{0,31}$'),
  -- Limits by name; what is absent is as the server is set. Parsed strictly wherever it is read: packages/accounts/src/plans.ts.
  limits jsonb not null check (jsonb_typeof(limits) = 'object')
);

-- Gone with the account, or when it goes back to the default.
create table account.account_plan (
  account_id uuid primary key references account.account (id) on delete cascade,
  plan text collate "C" not null references account.plan (name)
);
create index account_plan_plan on account.account_plan (plan);

-- With the quota of the account's plan; 1 GiB where it has none.
create or replace view account.mail_login with (security_barrier) as
select
  account.localpart || '@' || account.domain as address,
  '{SCRAM-SHA-256}' || credential.iterations || ',' || encode(credential.salt, 'base64') || ',' || encode(credential.stored_key, 'base64') || ','
    || encode(credential.server_key, 'base64') as password,
  coalesce((plan.limits ->> 'mailbox_mib')::integer, 1024) as quota_mib
from account.account
join account.credential on credential.account_id = account.id
left join account.account_plan on account_plan.account_id = account.id
left join account.plan on plan.name = account_plan.plan
where account.state = 'active' and credential.hash = 'SHA-256';
