alter table account.account_invite
  -- To whom the accounts will belong; null: to nobody but the server. Open invites of an organisation go with it.
  add column organisation_id uuid references account.organisation (id) on delete cascade;
create index account_invite_organisation on account.account_invite (organisation_id) where organisation_id is not null;
