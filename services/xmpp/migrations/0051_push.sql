-- Where devices want to be woken when messages wait for them (XEP-0357). Owner: services/xmpp.
--
-- Which push service a device uses, its node there, and what that service wants to see with each request tell which app somebody has, and which accounts share a
-- phone; whoever knows them can wake it. So these rows hold them sealed (AES-256-GCM) under push.key, which lies beside the keyring and is never in Postgres, its log
-- or a backup, and find them again by HMACs under that key. Without the key they are worthless, and clients register again when they sign in. A reader of the table
-- learns which devices have push, and how many services each. Nothing says whether, or when, anybody was woken.

-- One row for each push service of a device. Deleted when the client disables it, when the service refuses or takes it back, when the device signs out, is revoked or
-- ages out, and with the account.
create table xmpp.push (
  account_id uuid not null,
  -- The device, as table device knows it.
  identity bytea not null,
  -- HMAC-SHA-256 of account and service: finds the rows of a service that is disabled.
  service_hash bytea not null check (octet_length(service_hash) = 32),
  -- The same of account, service and node: finds the row of one node.
  target_hash bytea not null check (octet_length(target_hash) = 32),
  -- Service, node and publish options.
  sealed bytea not null,
  primary key (account_id, identity, service_hash),
  unique (account_id, target_hash),
  foreign key (account_id, identity) references xmpp.device (account_id, identity) on delete cascade
);
