-- That an organisation ends suspends it, and this suspension holds no end; one that somebody made does, whatever its reason is called.
alter table account.organisation
  -- Whether its end suspended it, and nobody. Cleared with the suspension. Null while it is suspended: by the release before, which says it by the reason `terminated`.
  add column suspended_by_end boolean;
