-- Links by which accounts let others become contacts (XEP-0379, XEP-0401). Owner: services/xmpp.

-- One row for each open link. Deleted when it is used, when it has expired, and with the account.
create table xmpp.contact_invite (
  -- SHA-256 of the token in the link.
  token_hash bytea primary key,
  -- Who invites. Who came by it is not kept.
  account_id uuid not null,
  -- The link works until then.
  expires_at timestamptz not null
);
create index contact_invite_account on xmpp.contact_invite (account_id);
create index contact_invite_expires_at on xmpp.contact_invite (expires_at);
