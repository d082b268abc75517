-- Who asked to be told of what somebody publishes, beside those who see their presence (XEP-0060 §6.1). Owner: services/xmpp.

-- One row for each node that an account is subscribed to. Deleted when it unsubscribes, with the node, and when either account is erased.
create table xmpp.pep_subscription (
  -- Whose node it is, and its name.
  account_id uuid not null,
  node text collate "C" not null,
  -- The local account that is told: erasing it finds its rows.
  subscriber_account_id uuid not null,
  -- Its bare JID in canonical form, by which its sessions are found.
  subscriber text collate "C" not null,
  primary key (account_id, node, subscriber_account_id),
  foreign key (account_id, node) references xmpp.pep_node (account_id, node) on delete cascade
);
create index pep_subscription_subscriber on xmpp.pep_subscription (subscriber_account_id);
