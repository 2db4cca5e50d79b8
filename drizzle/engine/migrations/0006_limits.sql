-- safe-for-older-servers
CREATE UNLOGGED TABLE "deputy"."rate_limits" (
	"key" text PRIMARY KEY NOT NULL,
	"full_at" bigint NOT NULL,
	"granted" integer NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE "deputy"."audit_log" ADD COLUMN "calls" integer DEFAULT 1 NOT NULL;