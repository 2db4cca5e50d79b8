CREATE TABLE "audit_detail" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor" text,
	"input" text,
	"ip" text
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"request_id" text NOT NULL,
	"transport" text NOT NULL,
	"actor" text,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"attempts" integer NOT NULL,
	"duration_ms" integer NOT NULL,
	"input_hash" text,
	"writes" jsonb NOT NULL,
	"write_count" integer NOT NULL,
	"payers" text[] NOT NULL,
	"cost" bigint
);
--> statement-breakpoint
CREATE TABLE "idempotency_claims" (
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"token" text NOT NULL,
	"input_hash" text NOT NULL,
	"now" timestamp (3) with time zone NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_claims_pkey" PRIMARY KEY("actor","action","key")
);
--> statement-breakpoint
CREATE TABLE "idempotency_results" (
	"token" text PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"input_hash" text NOT NULL,
	"result" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_results_key" UNIQUE("actor","action","key")
);
--> statement-breakpoint
CREATE TABLE "journal_steps" (
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"key" text NOT NULL,
	"identity" text NOT NULL,
	"name" text NOT NULL,
	"token" text NOT NULL,
	"state" text NOT NULL,
	"answer" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "journal_steps_pkey" PRIMARY KEY("actor","action","key","identity"),
	CONSTRAINT "journal_steps_state" CHECK ("journal_steps"."state" in ('sent', 'answered'))
);
--> statement-breakpoint
CREATE TABLE "system_secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "audit_detail_at_idx" ON "audit_detail" USING btree ("at");--> statement-breakpoint
CREATE INDEX "audit_detail_actor_idx" ON "audit_detail" USING btree ("actor");--> statement-breakpoint
CREATE INDEX "audit_log_at_idx" ON "audit_log" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "audit_log_actor_at_idx" ON "audit_log" USING btree ("actor","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_action_at_idx" ON "audit_log" USING btree ("action","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_writes_idx" ON "audit_log" USING gin ("writes" jsonb_path_ops);--> statement-breakpoint
CREATE INDEX "idempotency_claims_created_at_idx" ON "idempotency_claims" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "idempotency_results_created_at_idx" ON "idempotency_results" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "journal_steps_created_at_idx" ON "journal_steps" USING btree ("created_at");