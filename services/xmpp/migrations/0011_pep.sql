-- What clients publish about themselves (XEP-0163): key bundles, device lists, private settings. Owner: services/xmpp.
-- It is kept because contacts need it while the owner is away. No time of publication is stored.

-- One row for each node. Deleted by its owner, and when the account is erased; its items go with it.
create table xmpp.pep_node (
  account_id uuid not null,
  -- What the node is called by the specification that uses it, such as eu.siacs.conversations.axolotl.devicelist.
  node text collate "C" not null,
  -- Who may read it (XEP-0060 §4.5); whitelist: the owner alone.
  access_model text not null check (access_model in ('open', 'presence', 'whitelist')),
  -- False: items are announced and not kept.
  persist_items boolean not null,
  -- How many items are kept; the oldest beyond it are deleted with each publication.
  max_items integer not null check (max_items > 0),
  -- Whether the newest item is sent to those who come online (XEP-0060 §16.4.4).
  send_last text not null check (send_last in ('never', 'on_sub', 'on_sub_and_presence')),
  -- Whether readers hear of deletion and of retraction, and whether they get the payload or only the id (XEP-0060 §16.4.4).
  notify_delete boolean not null,
  notify_retract boolean not null,
  deliver_payloads boolean not null,
  primary key (account_id, node)
);

-- One row for each kept item. Deleted when retracted, replaced or pushed out by newer ones, and with its node.
create table xmpp.pep_item (
  account_id uuid not null,
  node text collate "C" not null,
  -- Chosen by the client or by us.
  item_id text collate "C" not null,
  -- One XML element, as it is sent to readers.
  payload text not null,
  -- What the row counts against the account's quota; a column, so that adding up reads no payload.
  bytes integer not null,
  -- Order of publication within the node.
  seq bigint not null,
  primary key (account_id, node, item_id),
  unique (account_id, node, seq),
  foreign key (account_id, node) references xmpp.pep_node (account_id, node) on delete cascade
);
