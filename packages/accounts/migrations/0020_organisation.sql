-- Organisations: resellers and customers, to whom accounts belong. Nothing in them is about a person; rows go when an organisation is removed, which it can
-- be only when nothing belongs to it any more.

create table account.organisation (
  id uuid primary key,
  -- Under which it is billed and shown on its pages.
  name text not null check (length(name) between 1 and 100),
  -- reseller: may have organisations below it.
  kind text not null check (kind in ('customer', 'reseller')),
  -- suspended: its accounts are, and it gets no new ones.
  state text not null default 'active' check (state in ('active', 'suspended')),
  -- Why; a code of the operator's choice. Cleared when it is reinstated.
  suspension_reason text check (suspension_reason ~ '^[a-z][a-z0-9_-]{0,31}$'),
  -- The organisation with which it was suspended: itself or one above, and with that one it is reinstated.
  suspended_with uuid,
  -- To whom it belongs; null: to the server. Never changes, hence there is no way to make a circle.
  parent_id uuid references account.organisation (id),
  -- Ids from the one below the server to this one: what is below an organisation is found by an index. Made by the trigger below.
  path uuid[] not null,
  -- The basis of its term.
  created_on date not null,
  -- How its pages look; null: as those of the organisation above, or of the server. Replaced together.
  brand_name text check (length(brand_name) between 1 and 60),
  brand_colour text check (brand_colour ~ '^#[0-9a-f]{6}$'),
  brand_text_colour text check (brand_text_colour ~ '^#[0-9a-f]{6}$'),
  -- Host of its pages, by which they find whose they are.
  brand_domain text collate "C" unique check (brand_domain = lower(brand_domain) and length(brand_domain) between 1 and 253),
  -- PNG, JPEG or WebP.
  brand_logo bytea check (octet_length(brand_logo) <= 65536),
  check ((suspension_reason is null) = (state = 'active')),
  check ((suspended_with is null) = (state = 'active')),
  check ((brand_colour is null) = (brand_text_colour is null)),
  constraint organisation_depth check (cardinality(path) between 1 and 4)
);
create index organisation_path on account.organisation using gin (path);
create index organisation_name on account.organisation (name, id);
create index organisation_parent on account.organisation (parent_id);

-- How much an organisation may use and give to those below it. Four rows each, gone with the organisation. The check is what refuses, whoever asks at once.
create table account.pool (
  organisation_id uuid not null references account.organisation (id) on delete cascade,
  resource text not null check (resource in ('accounts', 'mailbox_mib', 'mails_per_day', 'keys')),
  -- Null: no bound but that of the server; only where the organisation above has none either.
  size bigint check (size >= 0),
  -- By accounts of this very organisation, terminated ones excepted. Kept by the triggers below; for mails_per_day see pool_day.
  used bigint not null default 0,
  -- Sum of the sizes of the same pool of those directly below.
  given bigint not null default 0,
  primary key (organisation_id, resource),
  constraint pool_exceeded check (size is null or used + given <= size)
);

-- Uses that are counted by day. Only of organisations, never of an account; rows go after two days.
create table account.pool_day (
  organisation_id uuid not null references account.organisation (id) on delete cascade,
  resource text not null,
  day date not null,
  used bigint not null,
  primary key (organisation_id, resource, day)
);

alter table account.account
  -- To whom the account belongs; null: to nobody but the server. Erased with the row.
  add column organisation_id uuid references account.organisation (id),
  -- The organisation with which it was suspended, and with which it is reinstated. Cleared then.
  add column suspended_with uuid,
  -- The organisation whose administrator suspended it: its administrators may lift that. Null: the server's did. Cleared with the suspension.
  add column suspended_within uuid,
  -- The day (UTC) from which it is active again by itself; null: until somebody lifts it. Cleared with the suspension.
  add column suspended_until date,
  add check (suspended_with is null or state = 'suspended'),
  add check (suspended_within is null or state = 'suspended'),
  add check (suspended_until is null or state = 'suspended');
create index account_suspended_until on account.account (suspended_until) where suspended_until is not null;
create index account_suspended_with on account.account (suspended_with) where suspended_with is not null;
create index account_organisation on account.account (organisation_id, domain, localpart) where organisation_id is not null;

create function account.place_organisation() returns trigger language plpgsql as $$
declare above account.organisation;
begin
  if tg_op = 'UPDATE' then
    if new.parent_id is distinct from old.parent_id or new.path is distinct from old.path then
      raise exception 'an organisation stays where it is' using errcode = 'check_violation', constraint = 'organisation_place';
    end if;
    if new.kind = 'customer' and exists (select from account.organisation where parent_id = new.id) then
      raise exception 'a reseller of somebody' using errcode = 'check_violation', constraint = 'organisation_kind';
    end if;
    return new;
  end if;
  new.path = array[new.id];
  if new.parent_id is not null then
    -- Locked, so that the parent neither goes, nor becomes a customer, nor is suspended meanwhile.
    select * into above from account.organisation where id = new.parent_id for no key update;
    if not found or above.kind <> 'reseller' then
      raise exception 'not a reseller' using errcode = 'check_violation', constraint = 'organisation_kind';
    end if;
    if above.state <> 'active' then
      raise exception 'suspended' using errcode = 'check_violation', constraint = 'organisation_suspended';
    end if;
    new.path = above.path || new.id;
  end if;
  return new;
end $$;
create trigger organisation_place before insert or update on account.organisation for each row execute function account.place_organisation();

create function account.open_pools() returns trigger language plpgsql as $$
begin
  insert into account.pool (organisation_id, resource, size)
  select new.id, each, case when above.size is not null then 0 end
  from unnest(array['accounts', 'mailbox_mib', 'mails_per_day', 'keys']) as each
  left join account.pool above on above.organisation_id = new.parent_id and above.resource = each;
  return null;
end $$;
create trigger organisation_pools after insert on account.organisation for each row execute function account.open_pools();

-- What an organisation has is given to it by the one above. Locks go upwards only.
create function account.give_pool() returns trigger language plpgsql as $$
declare
  above uuid;
  bound bigint;
begin
  if tg_op = 'DELETE' then
    select parent_id into above from account.organisation where id = old.organisation_id;
    update account.pool set given = given - coalesce(old.size, 0)
    where organisation_id = above and resource = old.resource and old.size is not null;
    return old;
  end if;
  if tg_op = 'UPDATE' and new.size is not distinct from old.size then return new; end if;
  if new.size is not null and tg_op = 'UPDATE' and old.size is null and exists (
    select from account.pool join account.organisation o on o.id = organisation_id
    where o.parent_id = new.organisation_id and resource = new.resource and size is null
  ) then
    raise exception 'without a bound below' using errcode = 'check_violation', constraint = 'pool_unbounded';
  end if;
  select parent_id into above from account.organisation where id = new.organisation_id;
  if above is null then return new; end if;
  update account.pool set given = given + coalesce(new.size, 0) - (case when tg_op = 'UPDATE' then coalesce(old.size, 0) else 0 end)
  where organisation_id = above and resource = new.resource returning size into bound;
  if bound is not null and new.size is null then
    raise exception 'without a bound' using errcode = 'check_violation', constraint = 'pool_unbounded';
  end if;
  return new;
end $$;
create trigger pool_give before insert or update on account.pool for each row execute function account.give_pool();

-- Before its organisation, whose parent the trigger above has to know.
create function account.close_pools() returns trigger language plpgsql as $$
begin
  delete from account.pool where organisation_id = old.id;
  return old;
end $$;
create trigger pool_take_back before delete on account.pool for each row execute function account.give_pool();
create trigger organisation_close before delete on account.organisation for each row execute function account.close_pools();

-- 1 GiB without a plan, as the views of the mailbox server say. The plan is held, so that it does not change before what it means is counted.
create function account.mailbox_mib(of_plan text) returns bigint language plpgsql as $$
declare mib bigint;
begin
  select (limits ->> 'mailbox_mib')::bigint into mib from account.plan where name = of_plan for share;
  return coalesce(mib, 1024);
end $$;

create function account.use_pool(organisation uuid, of_resource text, more bigint) returns void language sql as $$
  update account.pool set used = used + more where organisation_id = organisation and resource = of_resource and more <> 0
$$;

-- Accounts and their mailboxes are used from the moment in which somebody belongs to an organisation until they do not, or are terminated.
create function account.count_member() returns trigger language plpgsql as $$
declare
  was uuid;
  becomes uuid;
  mib bigint;
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
    -- The lower ones first, as when they are given more: nobody waits in a circle.
    perform from account.pool join account.organisation o on o.id = organisation_id
    where organisation_id in (was, becomes) order by cardinality(path) desc, organisation_id, resource for no key update of pool;
    perform account.use_pool(was, 'accounts', -1), account.use_pool(was, 'mailbox_mib', -mib);
    perform account.use_pool(becomes, 'accounts', 1), account.use_pool(becomes, 'mailbox_mib', mib);
  end if;
  return old;
end $$;
-- After, since an insert that meets an existing row is none. Before its deletion, since then its plan is still there.
create trigger account_member after insert or update of organisation_id, state on account.account
for each row execute function account.count_member();
create trigger account_leave before delete on account.account for each row execute function account.count_member();

-- Another plan is another mailbox. The account is held, so that it does not move meanwhile; of one that is being deleted nothing is left to count.
create function account.count_plan() returns trigger language plpgsql as $$
declare
  organisation uuid;
  was text;
  becomes text;
begin
  select organisation_id into organisation from account.account
  where id = coalesce(new.account_id, old.account_id) and state <> 'terminated' for share;
  if organisation is null then return null; end if;
  if tg_op <> 'INSERT' then was = old.plan; end if;
  if tg_op <> 'DELETE' then becomes = new.plan; end if;
  perform account.use_pool(organisation, 'mailbox_mib', account.mailbox_mib(becomes) - account.mailbox_mib(was));
  return null;
end $$;
create trigger account_plan_count after insert or update or delete on account.account_plan for each row execute function account.count_plan();

create function account.count_plan_change() returns trigger language plpgsql as $$
declare more bigint = coalesce((new.limits ->> 'mailbox_mib')::bigint, 1024) - coalesce((old.limits ->> 'mailbox_mib')::bigint, 1024);
begin
  perform account.use_pool(organisation_id, 'mailbox_mib', more * members) from (
    select organisation_id, count(*) as members from account.account_plan join account.account a on a.id = account_id
    where plan = new.name and organisation_id is not null and state <> 'terminated' group by organisation_id order by organisation_id
  ) as having_it;
  return null;
end $$;
create trigger plan_count after update on account.plan for each row when (old.limits is distinct from new.limits) execute function account.count_plan_change();
