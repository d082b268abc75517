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

create function account.note_organisation() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into account.outbox (type, data) values ('organisation.removed', json_build_object('organisation_id', old.id));
  elsif new.terminates_on is null then
    insert into account.outbox (type, data) values ('organisation.kept', json_build_object('organisation_id', new.id));
  else
    insert into account.outbox (type, data)
    values ('organisation.ends', json_build_object('organisation_id', new.id, 'terminates_on', new.terminates_on));
  end if;
  return null;
end $$;
create trigger organisation_ends after update of terminates_on on account.organisation
  for each row when (old.terminates_on is distinct from new.terminates_on) execute function account.note_organisation();
create trigger organisation_removed after delete on account.organisation for each row execute function account.note_organisation();
