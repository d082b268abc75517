-- What clients store for themselves as single elements: private XML (XEP-0049) and the vCard (XEP-0054). Owner: services/xmpp.
-- One row for each name of an element, replaced as a whole; deleted with the account. No time is stored.
create table xmpp.stored_xml (
  account_id uuid not null,
  -- Name and namespace of the element.
  ns text collate "C" not null,
  name text collate "C" not null,
  -- The element as it came, with its namespace; of a vCard all but its photo, which is the avatar of personal eventing (XEP-0398).
  xml text not null,
  primary key (account_id, ns, name)
);
