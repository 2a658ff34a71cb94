BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('1');
CREATE TABLE entry (
	number BIGINT NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	camera TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	"query" TEXT NOT NULL, 
	start_ms BIGINT NOT NULL, 
	end_ms BIGINT NOT NULL, 
	covers_start_ms BIGINT NOT NULL, 
	covers_end_ms BIGINT NOT NULL, 
	epsilon_micro BIGINT NOT NULL, 
	body TEXT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (kind, camera, epoch, "query", start_ms, end_ms), 
	UNIQUE (hash)
);
INSERT INTO "entry" VALUES(1,'epoch','north',1,'',1771200000000,1771200000000,1771200000000,1771200000000,0,'{"blackout_ms":17000,"budget_micro":2000000,"configuration":"dd97cb0f4aefaf19707ea90a15120c5ff7fb2375a7779bb6bd67f48921fc628b"}','7a3b67bf784474feb50e8a56ce6f4b7426ca602688f38b1223f8866e05afd240');
INSERT INTO "entry" VALUES(2,'spend','north',1,'bridge days',1771200000000,1771286400000,1771199992000,1771286400000,200000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"bridge"},{"camera":"north","direction":"in","label":"bicycle","line":"bridge"},{"camera":"north","direction":"out","label":"person","line":"bridge"},{"camera":"north","direction":"out","label":"bicycle","line":"bridge"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":200000,"k":2,"lookahead_ms":0,"query":"bridge days","rho_ms":6000,"warmup_ms":2000}','d571ce7ef0c9d56188e413a7b69178e28ef9300fd3843b8e62309f814490936a');
INSERT INTO "entry" VALUES(3,'spend','north',1,'bridge bins',1771200000000,1771200900000,1771199992000,1771200900000,800000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"bridge"},{"camera":"north","direction":"in","label":"bicycle","line":"bridge"},{"camera":"north","direction":"out","label":"person","line":"bridge"},{"camera":"north","direction":"out","label":"bicycle","line":"bridge"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":800000,"k":2,"lookahead_ms":0,"query":"bridge bins","rho_ms":6000,"warmup_ms":2000}','c1dde8ce09de79dd48d4f9ce94b31b36279960d1a98e9c0ed7b0c6bd93a3e201');
INSERT INTO "entry" VALUES(4,'value','north',1,'bridge bins',1771200000000,1771200900000,1771200000000,1771200900000,0,'{"coverage_micro":1000000,"receipt":"c1dde8ce09de79dd48d4f9ce94b31b36279960d1a98e9c0ed7b0c6bd93a3e201","sender_micro":1000000,"values":[12,-3,0,41]}','6260aca7c053618db1815f8cce31df5328e0da5c7109a6578b6c7647645cb488');
INSERT INTO "entry" VALUES(5,'spend','north',1,'bridge bins',1771200900000,1771201800000,1771200892000,1771201800000,800000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"bridge"},{"camera":"north","direction":"in","label":"bicycle","line":"bridge"},{"camera":"north","direction":"out","label":"person","line":"bridge"},{"camera":"north","direction":"out","label":"bicycle","line":"bridge"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":800000,"k":2,"lookahead_ms":0,"query":"bridge bins","rho_ms":6000,"warmup_ms":2000}','c472a1098d2a0325879a5848c2e46762703990e4cb070ff8a46aeec77febf8ae');
INSERT INTO "entry" VALUES(6,'value','north',1,'bridge bins',1771200900000,1771201800000,1771200900000,1771201800000,0,'{"coverage_micro":1000000,"receipt":"c472a1098d2a0325879a5848c2e46762703990e4cb070ff8a46aeec77febf8ae","sender_micro":1000000,"values":[7,2,-5,20]}','999a13cd08f20ca6217b0dc99cf7d87a4aa6181db5830444e99f2ccf84e5f538');
INSERT INTO "entry" VALUES(7,'spend','north',1,'bridge bins',1771201800000,1771202700000,1771201792000,1771202700000,800000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"bridge"},{"camera":"north","direction":"in","label":"bicycle","line":"bridge"},{"camera":"north","direction":"out","label":"person","line":"bridge"},{"camera":"north","direction":"out","label":"bicycle","line":"bridge"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":800000,"k":2,"lookahead_ms":0,"query":"bridge bins","rho_ms":6000,"warmup_ms":2000}','fd6c34e4c28db2fe0f1a50bc6bb14c8e99de063cca18807ce29d992d04e16f29');
INSERT INTO "entry" VALUES(8,'spend','north',1,'road asked 1771200000000 1771200900000 500000',1771200000000,1771200900000,1771199992000,1771200900000,500000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"road"},{"camera":"north","direction":"in","label":"bicycle","line":"road"},{"camera":"north","direction":"out","label":"person","line":"road"},{"camera":"north","direction":"out","label":"bicycle","line":"road"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":500000,"k":2,"lookahead_ms":0,"query":"road asked 1771200000000 1771200900000 500000","rho_ms":6000,"warmup_ms":2000}','f6864f5577259de6132d84253b58e3752a0e3f81f64774a334fd49535c25368e');
INSERT INTO "entry" VALUES(9,'spend','north',1,'bridge bins',1771202700000,1771203600000,1771202692000,1771203600000,800000,'{"camera":"north","cap":6,"cells":[{"camera":"north","direction":"in","label":"person","line":"bridge"},{"camera":"north","direction":"in","label":"bicycle","line":"bridge"},{"camera":"north","direction":"out","label":"person","line":"bridge"},{"camera":"north","direction":"out","label":"bicycle","line":"bridge"}],"chunk_ms":9000,"delta":48,"epoch":1,"epsilon_micro":800000,"k":2,"lookahead_ms":0,"query":"bridge bins","rho_ms":6000,"warmup_ms":2000}','79567a792327501b8465cb295affbe870d546b210fee0633b224f3e537f324f9');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	ledger VARCHAR(32) NOT NULL, 
	number BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,'69a80719fb6546dbb537cb94eeb91243',9,'79567a792327501b8465cb295affbe870d546b210fee0633b224f3e537f324f9');
CREATE INDEX entry_covers ON entry (camera, kind, covers_end_ms);
COMMIT;
