-- What became of accounts, for whoever tells others of it (webhooks of services/api): written in the transaction of the change itself, so that no crash loses it.
create table account.transition (
  -- The id of the event that is made of it: made twice, it is one event.
  id uuid primary key default gen_random_uuid(),
  -- In this order; a number, since no column of this schema tells at what time somebody did something.
  seq bigint generated always as identity,
  account_id uuid not null,
  event text not null check (event in ('created', 'suspended', 'restored', 'terminated')),
  -- Of a suspension, the code.
  reason text
);
-- Rows go as soon as the API service has them, within seconds.
create index transition_seq on account.transition (seq);

create function account.note_transition() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into account.transition (account_id, event) values (new.id, 'created');
  elsif old.state is distinct from new.state then
    insert into account.transition (account_id, event, reason)
    values (new.id, case new.state when 'active' then 'restored' else new.state end, new.suspension_reason);
  end if;
  return null;
end $$;
create trigger account_transition after insert or update of state on account.account
  for each row execute function account.note_transition();
