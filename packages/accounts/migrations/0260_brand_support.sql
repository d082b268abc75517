-- Where people of an organisation get help: on its pages, for anybody to see. Goes with the organisation.
alter table account.organisation
  add column brand_support_url text check (length(brand_support_url) between 1 and 500);
