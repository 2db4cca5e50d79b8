CREATE TABLE "blocked_users" (
	"user_id" text PRIMARY KEY NOT NULL,
	"is_blocked" boolean NOT NULL,
	"changed_by" text NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "blocked_users_revision_idx" ON "blocked_users" USING btree ("revision");