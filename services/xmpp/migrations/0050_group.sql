-- Groups (XEP-0045): who belongs to them, so that their messages reach those who are away and nobody else. No message, subject, presence or time is kept. Owner: services/xmpp.

-- One row for each group. Deleted when an owner destroys it and when nobody is left who could own it.
create table xmpp.room (
  room_id uuid primary key,
  -- Its bare address in canonical form.
  jid text collate "C" not null unique,
  -- What its owners call it, shown to its members; may be empty.
  name text not null,
  -- Whether members who are no admins may invite others.
  allow_invites boolean not null,
  -- 32 random bytes from which the occupant ids of this group are made (XEP-0421), so that they tell nothing of other groups.
  occupant_key bytea not null check (octet_length(occupant_key) = 32)
);

-- One row for each person that is something in a group. Deleted when the affiliation ends, with the group, and when the account is erased.
create table xmpp.room_affiliation (
  room_id uuid not null references xmpp.room (room_id) on delete cascade,
  -- Bare JID in canonical form, shown to the members. Nobody need have it.
  jid text collate "C" not null,
  -- The local account behind the JID, if there was one when it was affiliated: only that account is let in, and erasing it finds these rows.
  account_id uuid,
  -- Rights (XEP-0045 §5.2); outcast: banned.
  affiliation text not null check (affiliation in ('owner', 'admin', 'member', 'outcast')),
  -- The nickname it last had there, kept for it while it is away, since messages are signed with it.
  nick text,
  -- It has entered the group, hence wants its messages: nobody gets any by being put on a list.
  entered boolean not null,
  primary key (room_id, jid)
);
create index room_affiliation_account on xmpp.room_affiliation (account_id) where account_id is not null;
