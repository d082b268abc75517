-- Certificates that are published for accounts, as far as pools count them: the directory itself is in schema keys.

-- One row for each account that has one. Gone when it is taken off, and with the account.
create table account.published_key (
  account_id uuid primary key references account.account (id) on delete cascade
);

-- The account is held, so that it does not move meanwhile; of one that is terminated nothing is counted any more.
create function account.count_key() returns trigger language plpgsql as $$
declare organisation uuid;
begin
  select organisation_id into organisation from account.account
  where id = coalesce(new.account_id, old.account_id) and state <> 'terminated' for share;
  perform account.use_pool(organisation, 'keys', case tg_op when 'INSERT' then 1 else -1 end);
  return null;
end $$;
create trigger published_key_count after insert or delete on account.published_key for each row execute function account.count_key();

-- As before (0020), and with the key, which goes where its account goes.
create or replace function account.count_member() returns trigger language plpgsql as $$
declare
  was uuid;
  becomes uuid;
  mib bigint;
  keys bigint;
begin
  if tg_op <> 'INSERT' and old.state <> 'terminated' then was = old.organisation_id; end if;
  if tg_op <> 'DELETE' and new.state <> 'terminated' then becomes = new.organisation_id; end if;
  if was is distinct from becomes then
    if becomes is not null then
      perform from account.organisation where id = becomes and state = 'active' for share;
      if not found then
        raise exception 'suspended' using errcode = 'check_violation', constraint = 'organisation_suspended';
      end if;
    end if;
    mib = account.mailbox_mib((select plan from account.account_plan where account_id = coalesce(new.id, old.id)));
    keys = (select count(*) from account.published_key where account_id = coalesce(new.id, old.id));
    -- The lower ones first, as when they are given more: nobody waits in a circle.
    perform from account.pool join account.organisation o on o.id = organisation_id
    where organisation_id in (was, becomes) order by cardinality(path) desc, organisation_id, resource for no key update of pool;
    perform account.use_pool(was, 'accounts', -1), account.use_pool(was, 'mailbox_mib', -mib), account.use_pool(was, 'keys', -keys);
    perform account.use_pool(becomes, 'accounts', 1), account.use_pool(becomes, 'mailbox_mib', mib), account.use_pool(becomes, 'keys', keys);
  end if;
  return old;
end $$;
