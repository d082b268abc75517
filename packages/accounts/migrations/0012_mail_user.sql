-- Whose mailbox a mailbox server (infra/dovecot) may have: everybody who has an account, also suspended, and terminated as long as something of it is to be
-- erased, with the quota of the plan. Keeps nothing itself. Nobody may read it until an operator grants it.
create view account.mail_user with (security_barrier) as
select
  account.id::text as id,
  account.domain,
  account.localpart,
  account.localpart || '@' || account.domain as address,
  account.state = 'active' as active,
  coalesce((plan.limits ->> 'mailbox_mib')::integer, 1024) as quota_mib
from account.account
left join account.account_plan on account_plan.account_id = account.id
left join account.plan on plan.name = account_plan.plan;
