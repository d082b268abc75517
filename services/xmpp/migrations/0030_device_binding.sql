-- What binds a device to its account, and what its owner calls it. With the device it goes, hence with the account.
alter table xmpp.device
  -- The owner's words, to know it again in their list. Shown to nobody else.
  add column label text check (length(label) between 1 and 64),
  -- HMAC-SHA-256 under devices.key, which lies in the data directory, of account and type, if the client said one: a type that somebody names can be compared, none be read.
  add column type_hash bytea check (octet_length(type_hash) = 32),
  -- The same of the id of its hardware: whoever copies its tokens to other hardware does not get in.
  add column hardware_hash bytea check (octet_length(hardware_hash) = 32);
