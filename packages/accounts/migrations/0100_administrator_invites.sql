-- What an administrator's invite makes of who uses it. Goes with the invite.
alter table account.invite
  -- The role it gives; null for other purposes. What it may do is decided where roles are known.
  add column role text collate "C" check (length(role) <= 32),
  -- The organisation that is administered; null: the whole server.
  add column organisation_id uuid,
  -- Who has lost their passkeys and enrols anew; null: somebody new.
  add column administrator_id uuid;
update account.invite set role = 'owner' where purpose = 'admin';
alter table account.invite add constraint invite_role check ((role is null) = (purpose <> 'admin')),
  add constraint invite_of_administrator check (purpose = 'admin' or (organisation_id is null and administrator_id is null));

alter table account.api_key
  -- Beyond which the key reaches nothing; null: the whole server. Keys go with their organisation.
  add column organisation_id uuid,
  -- Where it works from, in CIDR notation; empty: from everywhere. Networks of the operator's machines, goes with the key.
  add column networks text[] not null default '{}',
  -- The administrator who made it, or made the key that made it: nobody approves what their own key asks for. Null: made on the host.
  add column made_by uuid;
create index api_key_organisation on account.api_key (organisation_id) where organisation_id is not null;
