package demo
import ("testing";"time";"fmt";"sort")
func TestProbe(t *testing.T){
 p:=Plan{Seed:1,Events:1000000,Until:time.Date(2026,11,20,0,0,0,0,time.UTC)}
 for _,c:=range Companies(){
  t0:=time.Now()
  n:=0; types:=map[string]int{}; users:=map[string]int{}; anon:=map[string]bool{}; dau:=map[int]map[string]bool{}; bytes:=0; days:=map[int]int{}
  var last Event
  for e:=range p.Generate(c){ n++; types[e.Type]++; if e.UserID!=""{users[e.UserID]++} else {anon[e.AnonymousID]=true}; bytes+=len(e.Properties)+len(e.Context)
   d:=int(e.At.Unix()/86400); days[d]++; if dau[d]==nil{dau[d]=map[string]bool{}}; dau[d][e.AnonymousID]=true; if n%100000==7{fmt.Printf("%+v\n%s\n%s\n",e.MessageID+" "+e.Type+" "+e.UserID+" "+e.AnonymousID,e.Properties,e.Context)}; last=e}
  fmt.Println(c.Name,n,p.Count(c),time.Since(t0),len(users),len(anon),bytes/n,last.At)
  k:=[]string{}; for x:=range types{k=append(k,x)}; sort.Slice(k,func(i,j int)bool{return types[k[i]]>types[k[j]]})
  for _,x:=range k{fmt.Printf("  %-24s %7d %.2f%%\n",x,types[x],100*float64(types[x])/float64(n))}
  d0:=int(p.Until.Unix()/86400)
  for _,ago:=range []int{360,330,300,240,180,120,60,30,2}{ m:=map[string]bool{};wk:=map[string]bool{}; for i:=0;i<28;i++{for u:=range dau[d0-ago-i]{m[u]=true; if i<7{wk[u]=true}}}; fmt.Printf("  -%d dau %d wau %d mau %d events %d\n",ago,len(dau[d0-ago]),len(wk),len(m),days[d0-ago])}
  for _,s:=range p.Stories(c){fmt.Println("  ",s.At,s.Text)}
 }
}
