-- Keys that were submitted by mail (draft-koch-openpgp-webkey-service §4) and wait for the confirmation: the nonce is kept like the token of a link, by its SHA-256. Gone when it
-- comes back, after three days, with the certificate, or with the account of the address.
alter table keys.link drop constraint link_purpose_check;
alter table keys.link add constraint link_purpose_check check (purpose in ('publish', 'manage', 'submission'));
