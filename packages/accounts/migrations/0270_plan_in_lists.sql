-- Accounts by plan in the order of names. The plan of an account is in account_plan; to find the first fifty of those that have a rare one, the planner joined all
-- accounts with it (90 ms of 100,000), and no index of two tables has their order.
alter table account.account
  -- A copy of the name in account_plan, kept by the trigger below; 'default': none. Erased with the row.
  add column plan_name text collate "C" not null default 'default';
update account.account set plan_name = account_plan.plan from account.account_plan where account_id = account.id;
create index account_by_plan on account.account (plan_name, domain, localpart);

create function account.copy_plan() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    update account.account set plan_name = 'default' where id = old.account_id;
  else
    update account.account set plan_name = new.plan where id = new.account_id;
  end if;
  return null;
end $$;
create trigger account_plan_copy after insert or update or delete on account.account_plan for each row execute function account.copy_plan();
