-- safe-for-older-servers
ALTER TABLE "deputy"."audit_detail" ADD COLUMN "log" text;--> statement-breakpoint
ALTER TABLE "deputy"."audit_detail" ADD COLUMN "once" text;