-- Web Key Directory: published addresses are found by a hash of their local part. Before this nothing could be published, so that there are no rows yet.

alter table keys.published_address
  -- Domain of the address as DNS has it (A-labels), as the Web Key Directory is asked for it.
  add column domain text not null,
  -- SHA-1 of the local part: draft-koch-openpgp-webkey-service §3.1.
  add column wkd_hash bytea not null,
  -- The certificate as somebody gets it who writes to the address: one user id, nothing that is no longer in force. Made when the certificate changes. Null while
  -- every user id of the address is revoked.
  add column served bytea;
create index published_address_wkd on keys.published_address (wkd_hash, domain);
