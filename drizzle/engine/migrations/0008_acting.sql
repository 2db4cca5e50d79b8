-- safe-for-older-servers
ALTER TABLE "deputy"."audit_log" ADD COLUMN "acted_by" text;--> statement-breakpoint
ALTER TABLE "deputy"."queue" ADD COLUMN "acted_by" text;