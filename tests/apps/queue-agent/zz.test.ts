const { describeOnMoto } = require("/work/main/tests/python/moto");
const { start } = require("/work/main/tests/apps/queue-agent/runtimes/fleet");
const { eventually, World } = require("/work/main/tests/apps/queue-agent/world");
const fs = require("fs"), http = require("http");
const N = Number(process.env.N ?? 150), MS = Number(process.env.MS ?? 0);
describeOnMoto("measure", (moto: any) => {
  it("x", async function (this: any) {
    this.timeout(300000);
    const world = await World.create(moto());
    const runtime = await start({ runMs: MS, imageBytes: 200000 });
    for (let i = 0; i < N; i++) await world.submit({ id: "t" + i });
    const agent = await world.agent(runtime.url, {VISIBILITY_SECONDS:"60",HEARTBEAT_SECONDS:"20", LOG_LEVEL: "warn", MALLOC_ARENA_MAX: "1"});
    await eventually("first", () => runtime.runs.length, (n: number) => n >= 10);
    const mp=Number(require("child_process").execSync("pgrep -f -- \"-p "+new URL(world.moto.endpoint).port+"\"").toString().split("\n")[0]);const m0=cpu(mp);const r0=process.cpuUsage();const t0 = performance.now(), n0 = runtime.runs.length; const c0=cpu(agent.pid);
    while (runtime.runs.length < N) await new Promise((r) => setTimeout(r, 20));
    const t1 = performance.now();
    console.log(`${((N - n0) / ((t1 - t0) / 1000)).toFixed(1)} tasks/s`, `moto cpu/task ${((cpu(mp)-m0)/(N-n0)).toFixed(1)} own ${((process.cpuUsage(r0).user+process.cpuUsage(r0).system)/1000/(N-n0)).toFixed(1)}`, `agent cpu/task ${((cpu(agent.pid)-c0)/(N-n0)).toFixed(1)} ms`);
    const st = fs.readFileSync(`/proc/${agent.pid}/status`, "utf8");
    console.log(st.match(/VmRSS.*/)![0], st.match(/VmHWM.*/)![0]);
    const m = await (await fetch(agent.url + "/metrics")).text();
    console.log(m.split("\n").filter((l: string) => /idle.*(le|sum|count)/.test(l)).join("\n"));
    await eventually("all", async () => (await world.queueLength()), (q: any) => q.visible + q.inWork === 0);
    console.log(agent.output.split("\n").filter((l:string)=>!l.includes("_aws")).slice(0,10).join("\n"));
    world.end(); await runtime.stop();
  });
});
function cpu(pid:number){return fs.readFileSync("/proc/"+pid+"/stat","utf8").split(" ").slice(13,15).reduce((a:number,b:string)=>a+Number(b)*10,0)}
