CREATE FUNCTION "deputy"."refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "deputy"."audit_log"
  FOR EACH STATEMENT EXECUTE FUNCTION "deputy"."refuse_change"();
--> statement-breakpoint
CREATE TRIGGER credit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "deputy"."credit_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "deputy"."refuse_change"();
