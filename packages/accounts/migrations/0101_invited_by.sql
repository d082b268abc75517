-- Who invited: what a key asks for that an invite was exchanged for, they do not approve. Null: made on the host. Goes with the invite.
alter table account.invite add column invited_by uuid;
create index api_key_made_by on account.api_key (made_by) where made_by is not null;
