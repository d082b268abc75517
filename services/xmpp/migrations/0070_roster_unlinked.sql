-- Contacts of which no account is known: an imported account looks for itself among them, so that it can be taken out of these rosters when it is erased.
create index roster_item_unlinked on xmpp.roster_item (contact) where contact_account_id is null;
