-- What became of organisations and of what hangs on them, for whoever tells others of it, as account.transition (0210) for accounts: written in the transaction of
-- the change itself, so that no crash loses it, and nothing is told that was not done.
create table account.outbox (
  -- The id of the event that is made of it: made twice, it is one event.
  id uuid primary key default gen_random_uuid(),
  -- In this order; a number, since no column of this schema tells at what time somebody did something.
  seq bigint generated always as identity,
  -- As webhooks name it.
  type text not null,
  -- JSON: ids, codes and days, never an address or name of a person.
  data text not null
);
-- Rows go as soon as the API service has them, within seconds.
create index outbox_seq on account.outbox (seq);

create function account.tell_organisation(event text, more jsonb) returns void language sql as $$
  insert into account.outbox (type, data) values ('organisation.' || event, jsonb_strip_nulls(more))
$$;

create function account.note_organisation() returns trigger language plpgsql as $$
declare whose jsonb = jsonb_build_object('organisation_id', coalesce(new.id, old.id));
begin
  if tg_op = 'INSERT' then
    perform account.tell_organisation('created', whose);
  elsif tg_op = 'DELETE' then
    perform account.tell_organisation('removed', whose);
  else
    if new.state is distinct from old.state then
      perform account.tell_organisation(case new.state when 'active' then 'restored' else new.state end,
        whose || jsonb_build_object('reason', new.suspension_reason));
    end if;
    if new.terminates_on is distinct from old.terminates_on then
      perform account.tell_organisation(case when new.terminates_on is null then 'kept' else 'ends' end,
        whose || jsonb_build_object('terminates_on', new.terminates_on));
    end if;
  end if;
  return null;
end $$;
create trigger organisation_outbox after insert or delete or update of state, terminates_on on account.organisation
  for each row execute function account.note_organisation();
