-- Who knows whom: the contact lists of RFC 6121 §2, kept because every client of an account must show the same one. Owner: services/xmpp.

-- One row for each account that ever had a contact. Deleted with its items when the account is erased.
create table xmpp.roster (
  account_id uuid primary key,
  -- Counts visible changes, so that a client that has them all is told so instead of sent the list (RFC 6121 §2.6). No time is kept.
  ver bigint not null
);

-- One row for each contact. Deleted when the owner removes the contact, when an unlisted request is answered or taken back, and when
-- the owner's or the contact's account is erased.
create table xmpp.roster_item (
  account_id uuid not null references xmpp.roster (account_id) on delete cascade,
  -- Bare JID in canonical form. What is shown to the owner; contacts need not exist, or be local.
  contact text collate "C" not null,
  -- The local account behind the JID, if there was one at the last change: how erasing that account finds these rows.
  contact_account_id uuid,
  -- What the owner calls the contact (RFC 6121 §2.1.2.4).
  name text,
  -- How the owner groups contacts (RFC 6121 §2.1.2.6).
  groups text[] not null,
  -- False: the owner did not add the contact; the row only remembers an unanswered request. The request's stanza is not kept.
  listed boolean not null,
  -- Whose presence goes where (RFC 6121 §2.1.2.5): decides who may see whom.
  subscription text not null check (subscription in ('none', 'to', 'from', 'both')),
  -- The owner asked for the contact's presence and waits for an answer (RFC 6121 §2.1.2.2).
  ask boolean not null,
  -- The contact asked for the owner's presence; shown again at each sign-in until it is answered (RFC 6121 §3.1.3).
  pending_in boolean not null,
  -- The owner approved before being asked (RFC 6121 §3.4).
  approved boolean not null,
  primary key (account_id, contact),
  check (listed or pending_in)
);
create index roster_item_contact_account on xmpp.roster_item (contact_account_id) where contact_account_id is not null;
